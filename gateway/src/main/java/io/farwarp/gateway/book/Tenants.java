package io.farwarp.gateway.book;

import java.util.Collection;
import java.util.Collections;
import java.util.HashMap;
import java.util.Map;

/** The accounts of all tenants that have ever held something or were given a policy. */
final class Tenants {
  private final Map<String, Account> accounts = new HashMap<>();

  Account of(String tenant) {
    return accounts.computeIfAbsent(tenant, Account::new);
  }

  Collection<Account> all() {
    return Collections.unmodifiableCollection(accounts.values());
  }
}
