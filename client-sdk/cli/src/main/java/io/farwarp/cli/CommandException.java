package io.farwarp.cli;

import org.jspecify.annotations.Nullable;

/** A command failed for a reason that one line tells; the program exits with 1. */
public final class CommandException extends RuntimeException {
  private static final long serialVersionUID = 1L;

  public CommandException(String message) {
    super(message);
  }

  public CommandException(String message, @Nullable Throwable cause) {
    super(message, cause);
  }
}
