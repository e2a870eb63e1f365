package io.farwarp.client;

import java.time.Duration;

/**
 * That a lease will end and is renewed no more.
 *
 * @param grace how long it can be used still
 * @param reason for people: who wants that, and why
 */
public record LeaseExpiring(Duration grace, String reason) {}
