/**
 * The last of the messages that a subscriber says it has dealt with.
 * @throws Error where it has dealt with none of them, or with more than there are
 */
export function lastHandled<Message>(messages: readonly Message[], count: number): Message {
  const last = messages[count - 1];
  if (last === undefined) throw new Error(`${count} of ${messages.length} messages can't have been handled`);
  return last;
}
