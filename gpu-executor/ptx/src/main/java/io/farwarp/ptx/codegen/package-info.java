/** Typed instructions to JVM bytecode: one hidden class a module entry. */
@NullMarked
package io.farwarp.ptx.codegen;

import org.jspecify.annotations.NullMarked;
