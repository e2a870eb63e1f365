package io.farwarp.executor.device.ptx;

import io.farwarp.ptx.PtxModule;

/** A PTX module of a function package, by the name of its file there. */
record CompiledModule(String file, PtxModule module) {}
