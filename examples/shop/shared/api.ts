/** The JSON of the routes below /api. */

export type Role = 'customer' | 'keeper';

export interface User {
  readonly id: string;
  readonly name: string;
  readonly role: Role;
}

export interface Session {
  readonly user: User;
  /** The topics of the feed of orders that this user follows. */
  readonly topics: readonly string[];
}

/** The answer of GET /api/session. */
export interface SessionState {
  /** Null before the sign-in. */
  readonly session: Session | null;
  /** The server's clock, as an ISO 8601 timestamp. Notifications after it are new to the page. */
  readonly now: string;
}

export interface Product {
  readonly id: string;
  readonly name: string;
  readonly priceCents: number;
  readonly stock: number;
}

export interface Products {
  readonly products: readonly Product[];
  /** The position in the feed of stock levels at which the page continues. */
  readonly cursor: string;
}

export interface Order {
  readonly id: number;
  readonly customer: string;
  readonly status: 'placed' | 'shipped';
  readonly carrier: string | null;
  readonly totalCents: number;
  readonly placedAt: string;
  readonly shippedAt: string | null;
  readonly lines: readonly OrderLine[];
}

export interface OrderLine {
  readonly product: string;
  readonly quantity: number;
}
