import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.js';
import './styles/base.css';
import './styles/controls.css';
import './styles/shop.css';
import './styles/bell.css';

const root = document.getElementById('root');
if (!root) throw new Error('The document has no element with the id root');
createRoot(root).render(
  <StrictMode>
    <App />
  </StrictMode>,
);
