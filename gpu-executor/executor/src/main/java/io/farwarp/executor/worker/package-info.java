/**
 * The worker process: one lease's window, its data-plane endpoint and its kernels. {@link
 * io.farwarp.executor.worker.WorkerMain} is what an agent starts.
 */
@NullMarked
package io.farwarp.executor.worker;

import org.jspecify.annotations.NullMarked;
