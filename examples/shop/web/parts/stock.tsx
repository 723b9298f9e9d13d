/** At this number of pieces or fewer, the page shows that the stock is low. */
const FEW = 5;

export function Stock({ stock }: { readonly stock: number }) {
  const level = stock === 0 ? 'none' : stock <= FEW ? 'few' : 'many';
  // A new key restarts the animation that shows the change.
  return (
    <span key={stock} className="stock" data-level={level}>
      {stock === 0 ? 'Sold out' : `${stock} in stock`}
    </span>
  );
}
