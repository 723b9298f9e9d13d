import type { IncomingMessage } from 'node:http';
import { registerInstrumentations } from '@opentelemetry/instrumentation';
import { HttpInstrumentation } from '@opentelemetry/instrumentation-http';
import { BatchSpanProcessor, type SpanExporter } from '@opentelemetry/sdk-trace-base';
import { NodeTracerProvider } from '@opentelemetry/sdk-trace-node';

/**
 * `getNodeAutoInstrumentations` accepts this object under the key
 * `@opentelemetry/instrumentation-http`.
 */
export const httpInstrumentation = {
  // The span of a poll would be as long as its wait. So polls get no span, and no spans inside it.
  ignoreIncomingRequestHook: ({ method = '', url = '' }: IncomingMessage) =>
    ['GET', 'QUERY'].includes(method) && /^\/notifications\b/.test(url),
};

/** Call this before the application is imported: `node --import ./dist/instrumentation.js`. */
export function startTracing(exporter: SpanExporter): NodeTracerProvider {
  const provider = new NodeTracerProvider({ spanProcessors: [new BatchSpanProcessor(exporter)] });
  provider.register();
  registerInstrumentations({ instrumentations: [new HttpInstrumentation(httpInstrumentation)] });
  return provider;
}
