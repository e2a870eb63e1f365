/**
 * The lease book: who holds which slice of which executor until when, and who waits. Pure: nothing
 * in this package reads a clock, does I/O or knows a thread, so that a history of it can be
 * replayed.
 */
@NullMarked
package io.farwarp.gateway.book;

import org.jspecify.annotations.NullMarked;
