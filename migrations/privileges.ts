export interface AppRoles {
  /** Names of login roles that exist. */
  readonly ledgerRole: string;
  readonly dispatcherRole: string;
}

/**
 * All that the apps may do in the database, in one place. It can be run again and again, and takes away what
 * isn't listed: the ledger app may add to the journal and read it, and can't change what is there.
 */
export function privilegesSql({ ledgerRole, dispatcherRole }: AppRoles): string {
  const ledger = quoteIdentifier(ledgerRole);
  const dispatcher = quoteIdentifier(dispatcherRole);
  const schemas = 'journal, ledger, access, projections, stream, dispatcher, publishing';
  return `
    REVOKE ALL ON ALL TABLES IN SCHEMA ${schemas} FROM ${ledger}, ${dispatcher}, PUBLIC;
    REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ${schemas} FROM ${ledger}, ${dispatcher}, PUBLIC;
    REVOKE ALL ON SCHEMA ${schemas} FROM ${ledger}, ${dispatcher}, PUBLIC;
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;

    GRANT USAGE ON SCHEMA journal, ledger, access, projections, publishing TO ${ledger};
    GRANT SELECT, INSERT ON journal.events, journal.requests TO ${ledger};
    GRANT SELECT, INSERT, UPDATE ON journal.heads TO ${ledger};
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA journal TO ${ledger};
    GRANT SELECT, INSERT, UPDATE ON ledger.accounts TO ${ledger};
    GRANT SELECT, INSERT ON ledger.transaction_external_ids, ledger.currencies TO ${ledger};
    GRANT SELECT, INSERT, UPDATE ON ledger.transaction_progress, ledger.exchange_rates, ledger.closed_periods
      TO ${ledger};
    GRANT SELECT, INSERT ON access.organizations, access.ledgers, access.audit_log TO ${ledger};
    GRANT SELECT, INSERT ON access.api_keys TO ${ledger};
    GRANT UPDATE (name, scopes, rate_limit_per_minute, expires_at, secret_hash, last_used_at, deleted_at, updated_at)
      ON access.api_keys TO ${ledger};
    GRANT SELECT, INSERT, DELETE ON access.api_key_secrets, access.token_keys TO ${ledger};
    GRANT UPDATE (ends_at) ON access.api_key_secrets TO ${ledger};
    GRANT UPDATE (retired_at) ON access.token_keys TO ${ledger};
    GRANT SELECT, INSERT, DELETE ON access.nonces TO ${ledger}, ${dispatcher};
    GRANT UPDATE (used_at) ON access.nonces TO ${ledger}, ${dispatcher};
    GRANT SELECT, INSERT, UPDATE, DELETE ON access.rate_limits TO ${ledger}, ${dispatcher};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA projections TO ${ledger};
    GRANT SELECT, INSERT, UPDATE ON publishing.checkpoints TO ${ledger};
    GRANT SELECT, UPDATE ON publishing.leadership TO ${ledger};
    GRANT SELECT ON public.migrations TO ${ledger};

    GRANT USAGE ON SCHEMA access, stream, dispatcher TO ${dispatcher};
    GRANT SELECT ON access.ledgers, access.api_keys, access.api_key_secrets TO ${dispatcher};
    GRANT UPDATE (last_used_at) ON access.api_keys TO ${dispatcher};
    GRANT SELECT (id, public_jwk, created_at, retired_at) ON access.token_keys TO ${dispatcher};
    GRANT INSERT ON access.audit_log TO ${dispatcher};
    GRANT SELECT, INSERT, UPDATE ON stream.offsets TO ${dispatcher};
    GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA stream, dispatcher TO ${dispatcher};
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA dispatcher TO ${dispatcher};
    GRANT SELECT ON public.migrations TO ${dispatcher};
  `;
}

function quoteIdentifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`;
}
