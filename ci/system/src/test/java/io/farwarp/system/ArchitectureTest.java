package io.farwarp.system;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import com.tngtech.archunit.junit.AnalyzeClasses;
import com.tngtech.archunit.junit.ArchTest;
import com.tngtech.archunit.lang.ArchRule;

/** The arrows of ARCHITECTURE.md. */
@AnalyzeClasses(packages = "io.farwarp", importOptions = DoNotIncludeTests.class)
class ArchitectureTest {
  private static final String[] CONTROL_PLANE = {
    "io.farwarp.v1..", "io.grpc..", "com.google.protobuf.."
  };

  @ArchTest
  static final ArchRule proto_imports_nothing_of_ours =
      noClasses()
          .that()
          .resideInAnyPackage("io.farwarp.v1..", "io.farwarp.wire..", "io.farwarp.function..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.farwarp.rdma..",
              "io.farwarp.ptx..",
              "io.farwarp.executor..",
              "io.farwarp.gateway..",
              "io.farwarp.client..",
              "io.farwarp.samples..",
              "io.farwarp.cli..");

  @ArchTest
  static final ArchRule transports_know_the_wire_layouts_and_nothing_else =
      noClasses()
          .that()
          .resideInAPackage("io.farwarp.rdma..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.farwarp.function..",
              "io.farwarp.ptx..",
              "io.farwarp.executor..",
              "io.farwarp.gateway..",
              "io.farwarp.client..",
              "io.farwarp.samples..",
              "io.farwarp.cli..");

  @ArchTest
  static final ArchRule no_tensor_byte_meets_grpc_or_protobuf =
      noClasses()
          .that()
          .resideInAPackage("io.farwarp.rdma..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(CONTROL_PLANE);

  @ArchTest
  static final ArchRule the_gateway_imports_proto_only =
      noClasses()
          .that()
          .resideInAPackage("io.farwarp.gateway..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.farwarp.rdma..",
              "io.farwarp.ptx..",
              "io.farwarp.executor..",
              "io.farwarp.client..",
              "io.farwarp.samples..",
              "io.farwarp.cli..");

  @ArchTest
  static final ArchRule the_client_never_imports_executor_or_gateway =
      noClasses()
          .that()
          .resideInAnyPackage("io.farwarp.client..", "io.farwarp.samples..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.farwarp.ptx..",
              "io.farwarp.executor..",
              "io.farwarp.gateway..",
              "io.farwarp.cli..");

  @ArchTest
  static final ArchRule the_executor_never_imports_client_or_gateway =
      noClasses()
          .that()
          .resideInAPackage("io.farwarp.executor..")
          .should()
          .dependOnClassesThat()
          .resideInAnyPackage(
              "io.farwarp.client..",
              "io.farwarp.gateway..",
              "io.farwarp.samples..",
              "io.farwarp.cli..");

  @ArchTest
  static final ArchRule the_ptx_compiler_stands_alone =
      noClasses()
          .that()
          .resideInAPackage("io.farwarp.ptx..")
          .should()
          .dependOnClassesThat()
          .resideOutsideOfPackages(
              "io.farwarp.ptx..", "java..", "jdk..", "org.jspecify..", "io.airlift.compress..");

  @ArchTest
  static final ArchRule nothing_depends_on_the_assembly =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.farwarp.cli..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("io.farwarp.cli..");

  @ArchTest
  static final ArchRule disni_stays_in_the_verbs_provider =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.farwarp.rdma.verbs..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("com.ibm.disni..");

  @ArchTest
  static final ArchRule jcuda_stays_in_the_cuda_device =
      noClasses()
          .that()
          .resideOutsideOfPackage("io.farwarp.executor.device.cuda..")
          .should()
          .dependOnClassesThat()
          .resideInAPackage("jcuda..");

  @ArchTest
  static final ArchRule no_unsafe =
      noClasses().should().dependOnClassesThat().haveFullyQualifiedName("sun.misc.Unsafe");

  @ArchTest
  static final ArchRule no_cycles_between_parts =
      slices().matching("io.farwarp.(*)..").should().beFreeOfCycles();
}
