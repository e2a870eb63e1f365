package io.farwarp.ptx.codegen;

import io.farwarp.ptx.runtime.Stop;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;

/** The stops of a kernel, numbered as they are written. */
final class StopTable {
  private final Map<Stop, Integer> numbers = new LinkedHashMap<>();
  private final Map<String, Integer> groups = new LinkedHashMap<>();

  int number(Stop stop) {
    return numbers.computeIfAbsent(stop, key -> numbers.size());
  }

  /** Operations with all modifiers the same form one group. */
  int group(String mnemonic) {
    return groups.computeIfAbsent(mnemonic, key -> groups.size());
  }

  List<Stop> stops() {
    return List.copyOf(numbers.keySet());
  }
}
