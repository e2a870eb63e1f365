/**
 * The client SDK: lease a slice of a GPU host, lay tensors out in its window, invoke functions on
 * its worker. {@link io.farwarp.client.Farwarp} is the door.
 *
 * <pre>{@code
 * try (var farwarp = Farwarp.connect("gateway:7070");
 *     var lease = farwarp.lease(LeaseRequest.on(PTX).memory(GIB.of(1))).await();
 *     var session = lease.open()) {
 *   Tensor x = session.tensor(F32, n);
 *   Tensor y = session.tensor(F32, n);
 *   Tensor z = session.tensor(F32, n);
 *   fill(x.segment(), y.segment());
 *   RemoteFunction hello = session.function("hello:1");
 *   hello.invoke(in(x), in(y), out(z)).await(ofSeconds(10));
 *   use(z.segment());
 * }
 * }</pre>
 *
 * <p>Every failure is a {@link io.farwarp.client.FarwarpException} with a status.
 */
@NullMarked
package io.farwarp.client;

import org.jspecify.annotations.NullMarked;
