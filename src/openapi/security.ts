import type { DescribedFeed, Operation, SecurityRequirement } from './described-feed.js';

/**
 * A caller must meet one of the requirements. An empty requirement allows callers without
 * credentials.
 */
const NONE: SecurityRequirement = {};

/** Adds the security requirements of a feed to its operations. */
export function secured(
  operations: Readonly<Record<string, Operation>>,
  { security, routes }: Pick<DescribedFeed, 'security' | 'routes'>,
): Readonly<Record<string, Operation>> {
  if (!security) return operations;
  const entries = Object.entries(operations).map(([name, operation]) => {
    // A ticket opens an event stream without other credentials.
    const withTicket = name === 'read' && routes.has('ticket') && security.length > 0;
    return [name, { ...operation, security: withTicket ? [...security, NONE] : security }];
  });
  return Object.fromEntries(entries) as Readonly<Record<string, Operation>>;
}
