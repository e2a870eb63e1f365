package io.farwarp.ptx.regions;

import io.farwarp.ptx.ir.VirtualRegister;
import java.lang.classfile.TypeKind;
import java.util.ArrayList;
import java.util.BitSet;
import java.util.EnumMap;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.TreeMap;

/**
 * Where a thread keeps its registers while it is stopped: for each register an array of its kind,
 * with one element for each thread. Registers of which no stop needs both share an array.
 *
 * <p>A register that a region does not write is found again where it was, so a region saves only
 * what it may have written.
 */
public final class SavedRegisters {
  /** An array: its kind and its number among those of the kind. */
  public record Place(TypeKind kind, int index) {}

  private final Map<Integer, Place> places = new HashMap<>();
  private final Map<TypeKind, List<BitSet>> users = new EnumMap<>(TypeKind.class);
  private final List<List<VirtualRegister>> live = new ArrayList<>();

  private SavedRegisters() {}

  /**
   * Assigns arrays for all regions of a plan.
   *
   * @param elsewhere registers whose value each region makes anew
   */
  public static SavedRegisters of(RegionPlan plan, BitSet elsewhere) {
    SavedRegisters saved = new SavedRegisters();
    List<VirtualRegister> registers = plan.function().registers();
    Map<Integer, BitSet> stops = new TreeMap<>();
    for (Region region : plan.regions()) {
      List<VirtualRegister> here = new ArrayList<>();
      // Nothing was saved before the first region.
      if (region.index() > 0) {
        BitSet alive = (BitSet) region.head().liveIn().clone();
        alive.andNot(elsewhere);
        if (region.resumed() != null) {
          region.resumed().forEachDefined(register -> alive.clear(register.index()));
        }
        alive.stream()
            .forEach(register -> {
              here.add(registers.get(register));
              stops.computeIfAbsent(register, key -> new BitSet()).set(region.index());
            });
      }
      saved.live.add(here);
    }
    stops.forEach((register, at) -> saved.assign(registers.get(register), at));
    return saved;
  }

  private void assign(VirtualRegister register, BitSet at) {
    List<BitSet> arrays = users.computeIfAbsent(register.kind(), key -> new ArrayList<>());
    int index = 0;
    while (index < arrays.size() && arrays.get(index).intersects(at)) {
      index++;
    }
    if (index == arrays.size()) {
      arrays.add(new BitSet());
    }
    arrays.get(index).or(at);
    places.put(register.index(), new Place(register.kind(), index));
  }

  /** The registers that a thread finds saved when it starts a region. */
  public List<VirtualRegister> at(Region region) {
    return live.get(region.index());
  }

  public Place place(VirtualRegister register) {
    Place place = places.get(register.index());
    if (place == null) {
      throw new IllegalStateException("register " + register + " is never saved");
    }
    return place;
  }

  /** How many arrays of a kind there are. */
  public int arrays(TypeKind kind) {
    return users.getOrDefault(kind, List.of()).size();
  }
}
