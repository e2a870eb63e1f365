/** What generated code calls: memory, arithmetic that Java lacks, and the block context. */
@NullMarked
package io.farwarp.ptx.runtime;

import org.jspecify.annotations.NullMarked;
