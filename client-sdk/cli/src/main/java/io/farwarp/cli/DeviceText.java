package io.farwarp.cli;

import io.farwarp.client.Device;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** Device classes on the command line: {@code ptx}, {@code cuda}, {@code auto}. */
public final class DeviceText implements ITypeConverter<Device> {
  @Override
  public Device convert(String text) {
    return switch (text) {
      case "ptx" -> Device.PTX;
      case "cuda" -> Device.CUDA;
      case "auto" -> Device.ANY;
      default -> throw new TypeConversionException("'" + text + "' is none of ptx, cuda, auto");
    };
  }
}
