package io.farwarp.executor.worker;

import com.google.protobuf.ByteString;
import io.farwarp.executor.device.DeviceModule;
import io.farwarp.function.FunctionSpec;

/**
 * A function that invocations may name by {@code id}.
 *
 * @param digest SHA-256 of its package
 */
record LoadedFunction(int id, ByteString digest, FunctionSpec spec, DeviceModule module) {}
