const absoluteForm = /^https?:\/\/[^/?#]*/i;

/**
 * Path and query to ask the dispatcher for: to the byte those that we were asked for. Null where somebody on
 * the way could read the path as another one (`/v1/event-types/..%2f..%2fmetrics`): no route of ours has that.
 */
export function forwardedPath(url: string): string | null {
  const path = url.replace(absoluteForm, '');
  const decoded = decode(path.split('?', 1)[0] ?? '');
  if (decoded === null || !path.startsWith('/')) return null;
  return decoded.split(/[/\\]/).some((segment) => segment === '.' || segment === '..') ? null : path;
}

function decode(text: string): string | null {
  try {
    return decodeURIComponent(text);
  } catch {
    return null;
  }
}
