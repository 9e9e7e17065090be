import { decodeTypeId, typeIdPattern } from '#contracts';
import { ChoiceParameter, ListQuery, parameter, TextParameter, TimeParameter } from '#openapi';
import { exampleIds } from '../http/path-ids.js';
import { deliveryStatuses, type DeliveryStatus } from './delivery.js';

const IdParameter = (prefix: 'acc' | 'whe', example: string, description: string) =>
  parameter(
    description,
    { pattern: typeIdPattern(prefix), example },
    `must be an id (${prefix}_…)`,
    (text) => decodeTypeId(prefix, text) !== null,
  );

/** Of one endpoint's deliveries. */
export class EndpointDeliveriesQuery extends ListQuery {
  @ChoiceParameter(deliveryStatuses, 'How far it has come')
  'filter[status]'?: DeliveryStatus;

  @TextParameter('The type of the event, as it is written')
  'filter[eventType]'?: string;

  @IdParameter('acc', exampleIds.account, 'An account that the event touched')
  'filter[accountId]'?: string;

  @TimeParameter('Taken in at this time or later')
  'filter[createdAt][gte]'?: string;

  @TimeParameter('Taken in before this time')
  'filter[createdAt][lt]'?: string;
}

export class ListDeliveriesQuery extends EndpointDeliveriesQuery {
  @IdParameter('whe', exampleIds.endpoint, 'The endpoint, which may have been deleted since')
  'filter[endpointId]'?: string;
}
