package io.farwarp.executor.device.cuda;

import java.util.function.BooleanSupplier;
import jcuda.driver.CUgraph;
import jcuda.driver.CUgraphExec;
import jcuda.driver.CUresult;
import jcuda.driver.CUstreamCaptureMode;
import jcuda.driver.JCudaDriver;
import org.jspecify.annotations.Nullable;

/**
 * The launches of a plan with one set of arguments, made ready to be launched together: one call of
 * the driver, and no pause of the GPU's between them.
 */
final class CudaGraph implements AutoCloseable {
  private final CUgraphExec executable;

  private CudaGraph(CUgraphExec executable) {
    this.executable = executable;
  }

  /**
   * Makes a graph of what {@code launches} puts into the stream, and runs none of it.
   *
   * @param launches false: one of them failed
   * @return null if there is none; the driver's reasons are noted
   */
  static @Nullable CudaGraph capture(
      CudaDevice device, Handles.Stream stream, BooleanSupplier launches) {
    int result =
        JCudaDriver.cuStreamBeginCapture(
            stream, CUstreamCaptureMode.CU_STREAM_CAPTURE_MODE_THREAD_LOCAL);
    if (result != CUresult.CUDA_SUCCESS) {
      device.note(result, "cuStreamBeginCapture");
      return null;
    }
    boolean isWhole = launches.getAsBoolean();
    CUgraph graph = new CUgraph();
    result = JCudaDriver.cuStreamEndCapture(stream, graph);
    if (result == CUresult.CUDA_ERROR_STREAM_CAPTURE_INVALIDATED) {
      return null; // a launch has failed, and the capture with it
    }
    if (result != CUresult.CUDA_SUCCESS) {
      // What the stream does with further work is unknown: run it, or take it into the graph.
      device.lose(CudaErrors.text("cuStreamEndCapture", result), CudaErrors.status(result));
      return null;
    }
    CUgraphExec executable = new CUgraphExec();
    if (isWhole) {
      result = JCudaDriver.cuGraphInstantiate(executable, graph, 0);
      device.note(result, "cuGraphInstantiate");
    }
    device.note(JCudaDriver.cuGraphDestroy(graph), "cuGraphDestroy");
    return isWhole && result == CUresult.CUDA_SUCCESS ? new CudaGraph(executable) : null;
  }

  /** Launches all of it; the driver's result. */
  int launch(Handles.Stream stream) {
    return JCudaDriver.cuGraphLaunch(executable, stream);
  }

  /** Also while it runs: then it goes when it has run. */
  @Override
  public void close() {
    CudaErrors.warn(JCudaDriver.cuGraphExecDestroy(executable), "cuGraphExecDestroy");
  }
}
