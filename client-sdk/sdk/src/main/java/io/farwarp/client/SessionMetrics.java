package io.farwarp.client;

/**
 * Counters of one session since it was opened.
 *
 * @param posted invocations, pushes and pulls
 * @param completed of those, ended with OK
 * @param failed of those, ended with anything else
 * @param pushedBytes tensor bytes written to the worker
 * @param returnedBytes tensor bytes that the worker was asked to write back
 * @param copiedBytes bytes of wrapped memory that this process copied into the window (shm only)
 * @param warmWaits times that a thread blocked for completions, having spun in vain
 */
public record SessionMetrics(
    long posted,
    long completed,
    long failed,
    long pushedBytes,
    long returnedBytes,
    long copiedBytes,
    long warmWaits) {}
