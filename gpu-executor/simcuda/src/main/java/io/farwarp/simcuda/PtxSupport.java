package io.farwarp.simcuda;

import java.util.regex.Matcher;
import java.util.regex.Pattern;

/** Which PTX a driver of some version compiles for a GPU of some compute capability. */
record PtxSupport(int driverVersion, int computeCapability) {
  private static final Pattern VERSION =
      Pattern.compile("^\\s*\\.version\\s+(\\d+)\\.(\\d+)", Pattern.MULTILINE);
  private static final Pattern TARGET =
      Pattern.compile("^\\s*\\.target\\s+sm_(\\d+)", Pattern.MULTILINE);

  /**
   * The newest version of the PTX ISA that the driver knows, times ten: of CUDA 11.n it is 7.n, of
   * 13.n 9.n; CUDA 12 left one out (release notes of the PTX ISA).
   */
  int newestVersion() {
    int major = driverVersion / 1000;
    int minor = driverVersion % 1000 / 10;
    return switch (major) {
      case 11 -> 70 + minor;
      case 12 -> 80 + (minor <= 5 ? minor : minor - 1);
      default -> major < 11 ? 65 : 90 + (major - 13) * 10 + minor;
    };
  }

  /** The error code for what this text asks, or {@link CudaError#CUDA_SUCCESS}. */
  int check(String text) {
    Matcher version = VERSION.matcher(text);
    if (version.find() && number(version, 1) * 10 + number(version, 2) > newestVersion()) {
      return CudaError.CUDA_ERROR_UNSUPPORTED_PTX_VERSION;
    }
    Matcher target = TARGET.matcher(text);
    if (target.find() && number(target, 1) > computeCapability) {
      return CudaError.CUDA_ERROR_NO_BINARY_FOR_GPU;
    }
    return CudaError.CUDA_SUCCESS;
  }

  private static int number(Matcher matcher, int group) {
    String digits = matcher.group(group);
    return digits.length() > 4 ? 9999 : Integer.parseInt(digits);
  }
}
