import { type SubmitEvent, useState } from 'react';
import { request, textOf } from '../api.js';
import { fieldOf } from '../parts/field.js';
import { Problem } from '../parts/problem.js';

const CARRIERS = ['DHL', 'UPS', 'Bicycle courier'] as const;

interface ShipFormProps {
  readonly orderId: number;
  readonly onShipped: () => void;
}

export function ShipForm({ orderId, onShipped }: ShipFormProps) {
  const [problem, setProblem] = useState<string>();
  const [isBusy, setBusy] = useState(false);
  const ship = async (carrier: string) => {
    setBusy(true);
    setProblem(undefined);
    try {
      await request('POST', `/api/orders/${orderId}/shipment`, { carrier });
    } catch (error) {
      setProblem(textOf(error));
      setBusy(false);
    }
    // Another keeper may have shipped the order meanwhile.
    onShipped();
  };
  const submit = (event: SubmitEvent<HTMLFormElement>) => {
    event.preventDefault();
    void ship(fieldOf(event.currentTarget, 'carrier'));
  };
  return (
    <form className="ship" onSubmit={submit}>
      <select name="carrier" aria-label={`Carrier of order ${orderId}`}>
        {CARRIERS.map((carrier) => (
          <option key={carrier}>{carrier}</option>
        ))}
      </select>
      <button className="primary" aria-label={`Ship order ${orderId}`} disabled={isBusy}>
        {isBusy ? 'Shipping…' : 'Ship'}
      </button>
      <Problem text={problem} />
    </form>
  );
}
