package io.farwarp.ptx.codegen;

import io.farwarp.ptx.regions.Region;
import java.lang.classfile.ClassBuilder;
import java.lang.classfile.ClassFile;
import java.lang.classfile.CodeBuilder;
import java.lang.classfile.Label;
import java.lang.classfile.instruction.SwitchCase;
import java.lang.constant.ConstantDescs;
import java.lang.constant.MethodTypeDesc;
import java.util.ArrayList;
import java.util.List;

/**
 * {@link io.farwarp.ptx.runtime.RegionCode#run}: goes to the method of a region by its number. A
 * switch over very many would be a method that HotSpot does not compile, so then one switch chooses
 * among methods that have a switch each.
 */
final class RegionDispatch {
  private static final int CASES = 256;

  private static final MethodTypeDesc TYPE =
      MethodTypeDesc.of(
          ConstantDescs.CD_long,
          Names.CONTEXT,
          ConstantDescs.CD_int,
          ConstantDescs.CD_int,
          ConstantDescs.CD_int,
          ConstantDescs.CD_boolean);

  private RegionDispatch() {}

  static void write(ClassBuilder builder, List<Region> regions) {
    if (regions.size() <= CASES) {
      builder.withMethodBody(
          "run", TYPE, ClassFile.ACC_PUBLIC, code -> chooseRegion(code, regions));
      return;
    }
    int groups = (regions.size() + CASES - 1) / CASES;
    builder.withMethodBody("run", TYPE, ClassFile.ACC_PUBLIC, code -> chooseGroup(code, groups));
    for (int i = 0; i < groups; i++) {
      List<Region> group = regions.subList(i * CASES, Math.min((i + 1) * CASES, regions.size()));
      builder.withMethodBody(
          groupName(i), TYPE, ClassFile.ACC_PRIVATE, code -> chooseRegion(code, group));
    }
  }

  private static String groupName(int group) {
    return "regionsFrom" + group * CASES;
  }

  private static void chooseGroup(CodeBuilder code, int groups) {
    code.iload(2).loadConstant(CASES).idiv();
    choose(
        code,
        0,
        groups,
        group ->
            code.aload(0)
                .aload(1)
                .iload(2)
                .iload(3)
                .iload(4)
                .iload(5)
                .invokespecial(ProgramCompiler.OWNER, groupName(group), TYPE)
                .lreturn());
  }

  private static void chooseRegion(CodeBuilder code, List<Region> regions) {
    int first = regions.getFirst().index();
    code.iload(2);
    choose(
        code,
        first,
        regions.size(),
        number ->
            code.aload(0)
                .aload(1)
                .iload(3)
                .iload(4)
                .iload(5)
                .invokespecial(
                    ProgramCompiler.OWNER,
                    RegionMethod.name(regions.get(number - first)),
                    RegionMethod.TYPE)
                .lreturn());
  }

  private interface Way {
    void write(int number);
  }

  /** Takes a number off the stack that is one of {@code count} from {@code first}. */
  private static void choose(CodeBuilder code, int first, int count, Way way) {
    List<SwitchCase> cases = new ArrayList<>();
    List<Label> labels = new ArrayList<>();
    for (int i = 0; i < count; i++) {
      labels.add(code.newLabel());
      cases.add(SwitchCase.of(first + i, labels.get(i)));
    }
    code.tableswitch(first, first + count - 1, labels.getFirst(), cases);
    for (int i = 0; i < count; i++) {
      code.labelBinding(labels.get(i));
      way.write(first + i);
    }
  }
}
