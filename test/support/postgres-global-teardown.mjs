import { shareCluster, sharedCluster } from '../../dist/test/support/config.js';
import { stopTestCluster } from '../../dist/test/support/test-cluster.js';

export default async function stopPostgres() {
  const cluster = sharedCluster();
  if (cluster === undefined) return;
  shareCluster(undefined);
  await stopTestCluster(cluster);
}
