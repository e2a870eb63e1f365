package io.farwarp.rdma.verbs;

import static java.lang.constant.ConstantDescs.CD_long;

import java.io.IOException;
import java.io.InputStream;
import java.lang.classfile.ClassFile;
import java.lang.constant.ClassDesc;
import java.lang.constant.MethodTypeDesc;
import java.lang.reflect.AccessFlag;
import java.nio.file.Path;

/**
 * Defines DiSNI's classes and this provider's own that use them, and finds libdisni for them.
 *
 * <p>Two of DiSNI's classes are replaced. Its {@code MemoryUtils} reads a buffer's address through
 * a class of the JDK's own that is closed to it; and its log of every object created goes nowhere,
 * since whatever matters comes as an exception.
 */
final class DisniLoader extends ClassLoader {
  private static final String DISNI = "com.ibm.disni.";
  private static final String OURS = DisniLoader.class.getPackageName() + ".disni.";
  private static final String MEMORY_UTILS = DISNI + "util.MemoryUtils";
  private static final String LOGGER = DISNI + "util.DiSNILogger";

  private static final int PUBLIC_STATIC = AccessFlag.PUBLIC.mask() | AccessFlag.STATIC.mask();

  private final Path library;

  DisniLoader(Path library) {
    super("disni", DisniLoader.class.getClassLoader());
    this.library = library;
  }

  @Override
  protected String findLibrary(String name) {
    return name.equals("disni") ? library.toString() : super.findLibrary(name);
  }

  @Override
  protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
    if (!name.startsWith(DISNI) && !name.startsWith(OURS)) {
      return super.loadClass(name, resolve);
    }
    synchronized (getClassLoadingLock(name)) {
      Class<?> loaded = findLoadedClass(name);
      return loaded == null ? define(name) : loaded;
    }
  }

  private Class<?> define(String name) throws ClassNotFoundException {
    byte[] bytes =
        switch (name) {
          case MEMORY_UTILS -> memoryUtils();
          case LOGGER -> logger();
          default -> original(name);
        };
    return defineClass(name, bytes, 0, bytes.length);
  }

  private byte[] original(String name) throws ClassNotFoundException {
    try (InputStream in = getResourceAsStream(name.replace('.', '/') + ".class")) {
      if (in == null) {
        throw new ClassNotFoundException(name);
      }
      return in.readAllBytes();
    } catch (IOException e) {
      throw new ClassNotFoundException(name, e);
    }
  }

  private static byte[] memoryUtils() {
    MethodTypeDesc address = MethodTypeDesc.of(CD_long, ClassDesc.of("java.nio.ByteBuffer"));
    return ClassFile.of()
        .build(
            ClassDesc.of(MEMORY_UTILS),
            type ->
                type.withMethodBody(
                    "getAddress",
                    address,
                    PUBLIC_STATIC,
                    code ->
                        code.aload(0)
                            .invokestatic(
                                ClassDesc.of(DirectBuffers.class.getName()), "address", address)
                            .lreturn()));
  }

  private static byte[] logger() {
    ClassDesc logger = ClassDesc.of("org.slf4j.Logger");
    ClassDesc silent = ClassDesc.of("org.slf4j.helpers.NOPLogger");
    return ClassFile.of()
        .build(
            ClassDesc.of(LOGGER),
            type ->
                type.withMethodBody(
                    "getLogger",
                    MethodTypeDesc.of(logger),
                    PUBLIC_STATIC,
                    code -> code.getstatic(silent, "NOP_LOGGER", silent).areturn()));
  }
}
