import type { ReactNode } from 'react';
import type { Order } from '../../shared/api.js';
import { moment, price } from '../format.js';

interface OrderItemProps {
  readonly order: Order;
  readonly title: string;
  /** A form below the order. */
  readonly children?: ReactNode;
}

export function OrderItem({ order, title, children }: OrderItemProps) {
  const { status, carrier, lines, totalCents } = order;
  return (
    <li className="order" data-status={status}>
      <p className="row">
        <b>{title}</b>
        <span className="status">{status === 'placed' ? 'Placed' : `Shipped with ${carrier ?? ''}`}</span>
      </p>
      <p>{lines.map(({ product, quantity }) => `${quantity} × ${product}`).join(', ')}</p>
      <p className="row muted">
        <time dateTime={order.shippedAt ?? order.placedAt}>{moment(order.shippedAt ?? order.placedAt)}</time>
        <span>{price(totalCents)}</span>
      </p>
      {children}
    </li>
  );
}
