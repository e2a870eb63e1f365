/**
 * The few Linux calls that shared memory, futexes and descriptor passing need, by the foreign
 * function interface. Constants carry their C names; the section 2 manual pages describe them.
 */
@NullMarked
package io.farwarp.rdma.linux;

import org.jspecify.annotations.NullMarked;
