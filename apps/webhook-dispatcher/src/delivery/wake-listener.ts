import { ReconnectingClient, type Logger } from '#platform';

export interface WakeListenerParts {
  readonly url: string;
  readonly logger: Logger;
  readonly onDue: (endpointIds: readonly string[]) => void;
  readonly onEndpointChanged: (endpointId: string) => void;
}

/** Hears of due deliveries and changed endpoints; what is said while it is not connected, the scan finds. */
export function wakeListener({
  url,
  logger,
  onDue,
  onEndpointChanged,
}: WakeListenerParts): ReconnectingClient {
  return new ReconnectingClient({
    url,
    applicationName: 'dispatcher-listener',
    logger,
    prepare: async (client) => {
      client.on('notification', ({ channel, payload = '' }) => {
        if (channel === 'dispatcher_due') onDue(payload.split(','));
        else onEndpointChanged(payload);
      });
      await client.query('LISTEN dispatcher_due; LISTEN dispatcher_endpoints');
    },
  });
}
