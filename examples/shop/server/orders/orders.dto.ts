import { z } from 'zod';

const line = z.object({ productId: z.string().min(1).max(100), quantity: z.number().int().min(1).max(20) });

/** The body of POST /api/orders. `requestId` makes a repeated request safe. */
export const placeOrder = z.object({
  requestId: z.string().regex(/^[\w-]{16,64}$/, 'must have 16 to 64 letters, digits, _ or -'),
  lines: z
    .array(line)
    .min(1)
    .max(20)
    .refine(
      (lines) => new Set(lines.map(({ productId }) => productId)).size === lines.length,
      'must name each product once',
    ),
});
export type PlaceOrder = z.infer<typeof placeOrder>;

/** The body of POST /api/orders/:id/shipment. */
export const shipOrder = z.object({ carrier: z.string().trim().min(1).max(60) });
export type ShipOrder = z.infer<typeof shipOrder>;
