package io.farwarp.gateway.book;

/**
 * What one lease holds of one device.
 *
 * @param windowBytes bytes of all its windows together
 * @param shareMillis thousandths of the device's compute
 * @param workers worker processes
 */
public record Slice(
    String executorId, String deviceId, long windowBytes, int shareMillis, int workers) {}
