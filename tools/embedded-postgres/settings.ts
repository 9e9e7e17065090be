export type PostgresSettings = Readonly<Record<string, string>>;

/**
 * For a ledger on a small machine. What makes a commit durable (fsync, synchronous_commit, full_page_writes)
 * is left at its default, on: the ledger refuses to boot otherwise.
 */
export const ledgerSettings: PostgresSettings = {
  listen_addresses: '127.0.0.1',
  // The path of a socket has a limit of about 100 characters; a data directory's has not.
  unix_socket_directories: '',
  max_connections: '100',
  shared_buffers: '512MB',
  maintenance_work_mem: '128MB',
  work_mem: '16MB',
  // Few checkpoints: each makes every page's next change a full page in the log.
  max_wal_size: '4GB',
  min_wal_size: '512MB',
  checkpoint_timeout: '15min',
  wal_compression: 'on',
  // A command that keeps nothing, until `npm run backup` names a place: whether there is one at all is decided when
  // the server starts.
  archive_mode: 'on',
  archive_command: 'exit 0',
  random_page_cost: '1.1',
  jit: 'off',
  // Rows that change leave much behind; vacuum has to come often and finish soon. Statistics are made as often as
  // Postgres makes them by itself: no plan of ours waits for them, and tables that only grow would be read for nothing.
  autovacuum_vacuum_scale_factor: '0.05',
  autovacuum_vacuum_cost_limit: '1000',
  timezone: 'UTC',
  log_timezone: 'UTC',
  log_checkpoints: 'off',
  // A statement may hold a customer's data; its error message is enough.
  log_min_error_statement: 'panic',
};

export function configFile(settings: PostgresSettings): string {
  const lines = Object.entries(settings).map(([name, value]) => `${name} = '${value.replaceAll("'", "''")}'`);
  return `# Written at each start. Change settings by ALTER SYSTEM, which wins over this file.\n${lines.join('\n')}\n`;
}
