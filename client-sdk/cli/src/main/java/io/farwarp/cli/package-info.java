/** The farwarp command line: one program for users, operators and hosts. */
@NullMarked
package io.farwarp.cli;

import org.jspecify.annotations.NullMarked;
