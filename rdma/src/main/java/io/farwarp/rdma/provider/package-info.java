/** What the providers share: how a connection is opened, and the writes that are done. */
@NullMarked
package io.farwarp.rdma.provider;

import org.jspecify.annotations.NullMarked;
