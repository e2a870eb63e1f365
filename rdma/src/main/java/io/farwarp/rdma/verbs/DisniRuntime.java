package io.farwarp.rdma.verbs;

import io.farwarp.rdma.Transport;
import io.farwarp.rdma.linux.Libc;
import java.io.IOException;

/** DiSNI with its library, loaded once for the process, or why it cannot be. */
final class DisniRuntime {
  private static final String ENTRY = "io.farwarp.rdma.verbs.disni.DisniTransport";

  private DisniRuntime() {}

  /** The transport behind it; throws with what is missing and where it comes from. */
  static Transport transport() throws IOException {
    return switch (Loaded.OUTCOME) {
      case Loaded.Usable usable -> usable.transport();
      case Loaded.Unusable unusable -> throw new IOException(unusable.reason(), unusable.cause());
    };
  }

  private static final class Loaded {
    sealed interface Outcome permits Usable, Unusable {}

    record Usable(Transport transport) implements Outcome {}

    record Unusable(String reason, Throwable cause) implements Outcome {}

    static final Outcome OUTCOME = load();

    private static Outcome load() {
      try {
        String unfit = Libc.unavailable().orElse("");
        if (!unfit.isEmpty()) {
          throw new IOException(unfit);
        }
        return new Usable(loadUnpacked());
      } catch (IOException e) {
        return new Unusable(String.valueOf(e.getMessage()), e);
      } catch (LinkageError e) {
        return new Unusable(
            "libdisni cannot be loaded: %s (Debian's packages libibverbs1, librdmacm1 and ibverbs-providers)"
                .formatted(e.getMessage()),
            e);
      } catch (ReflectiveOperationException e) {
        return new Unusable("DiSNI is not part of this installation: " + e.getMessage(), e);
      }
    }

    private static Transport loadUnpacked() throws IOException, ReflectiveOperationException {
      try (NativeLibrary library = NativeLibrary.unpack()) {
        return Class.forName(ENTRY, true, new DisniLoader(library.file()))
            .asSubclass(Transport.class)
            .getConstructor()
            .newInstance();
      }
    }
  }
}
