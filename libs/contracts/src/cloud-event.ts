/**
 * CloudEvents 1.0 attributes in binary mode, as headers of a Kafka message
 * (https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/kafka-protocol-binding.md).
 */
export interface CloudEventHeaders {
  readonly ce_specversion: '1.0';
  readonly ce_id: string;
  /** `/ledgers/ldg_…` */
  readonly ce_source: string;
  readonly ce_type: string;
  /** The id of the transaction or the account that it is about; an erased event tells of no account. */
  readonly ce_subject?: string;
  readonly ce_time: string;
  readonly 'content-type': 'application/json';
  /** Extensions: where the event stands in its ledger's journal, and the hash that chains it there. */
  readonly ce_epoch: string;
  readonly ce_position: string;
  readonly ce_hash: string;
}

/** A message as it is published. */
export interface TopicMessage {
  readonly topic: string;
  readonly key: string;
  readonly headers: CloudEventHeaders;
  /** JSON. */
  readonly value: string;
}
