package io.farwarp.executor.worker;

import io.farwarp.executor.device.DeviceModule;
import io.farwarp.function.FunctionSpec;

/** A function that invocations may name by {@code id}. */
record LoadedFunction(int id, FunctionSpec spec, DeviceModule module) {}
