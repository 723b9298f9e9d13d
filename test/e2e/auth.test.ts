import fastifyCookie from '@fastify/cookie';
import fastifySession from '@fastify/session';
import { describe, expect, test } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  type INestApplication,
  Inject,
  Injectable,
  Module,
  Post,
  Req,
  UnauthorizedException,
} from '@nestjs/common';
import { JwtModule, JwtService } from '@nestjs/jwt';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { EventSource } from 'eventsource';
import session from 'express-session';
import { NotificationsModule } from 'nest-notifications';
import { ManualClock } from '../../src/testing/index.js';
import { type Adapter, ADAPTERS, forEachAdapter } from '../support/http/adapters.js';
import { startApp, type TestApp } from '../support/http/app.js';
import { atTestEnd } from '../support/http/cleanup.js';
import { request, type Target } from '../support/http/connection.js';
import { WITH_FETCH } from '../support/http/event-source.js';
import { holdPoll, numbers, poll, publish } from '../support/http/feed.js';
import { PROXIES, startProxy } from '../support/http/proxies.js';
import { until } from '../support/time/until.js';

const SECRET = 'a secret of these tests, long enough for a session';

interface Claims {
  readonly sub: string;
  readonly exp?: number;
}
interface UserRequest {
  readonly headers: Readonly<Record<string, string | undefined>>;
  user?: Claims;
  session?: { user?: string };
}

/** The current time for the expiry of tokens. A test replaces it. */
const time = { now: () => Date.now() };

/** This guard is the example of Nest's documentation. */
@Injectable()
class JwtGuard implements CanActivate {
  constructor(@Inject(JwtService) private readonly jwt: JwtService) {}

  async canActivate(context: ExecutionContext): Promise<boolean> {
    const request = context.switchToHttp().getRequest<UserRequest>();
    const [, token = ''] = /^Bearer (.+)$/.exec(request.headers.authorization ?? '') ?? [];
    try {
      const clockTimestamp = Math.floor(time.now() / 1000);
      request.user = await this.jwt.verifyAsync<Claims>(token, { clockTimestamp });
    } catch {
      throw new UnauthorizedException();
    }
    return true;
  }
}

const JWT_OPTIONS: NonNullable<Parameters<typeof NotificationsModule.forRoot>[0]> = {
  guards: [JwtGuard],
  access: {
    subscriber: ({ request }: { request: UserRequest }) => request.user?.sub,
    topics: ({ subscriber }) => [`user.${subscriber ?? ''}`],
    read: { 'user.:id': ({ subscriber }, { id }) => id === subscriber },
    expiresAt: ({ request }: { request: UserRequest }) => new Date((request.user?.exp ?? 0) * 1000),
  },
};
const JWT_IMPORTS = [JwtModule.register({ secret: SECRET })];
const withJwt = NotificationsModule.forRoot({ imports: JWT_IMPORTS, ...JWT_OPTIONS });

@Controller('login')
class LoginController {
  @Post('ann')
  ann(@Req() { session }: UserRequest): void {
    session!.user = 'ann';
  }

  @Post('bob')
  bob(@Req() { session }: UserRequest): void {
    session!.user = 'bob';
  }
}

@Injectable()
class SessionGuard implements CanActivate {
  canActivate(context: ExecutionContext): boolean {
    if (!context.switchToHttp().getRequest<UserRequest>().session?.user) throw new UnauthorizedException();
    return true;
  }
}

@Module({ providers: [SessionGuard], exports: [SessionGuard] })
class SessionModule {}

const withSession = NotificationsModule.forRoot({
  imports: [SessionModule],
  guards: [SessionGuard],
  access: {
    subscriber: ({ request }: { request: UserRequest }) => request.session?.user,
    topics: ({ subscriber }) => [`user.${subscriber ?? ''}`],
    read: { 'user.:id': ({ subscriber }, { id }) => id === subscriber },
  },
});

async function configureSession(adapter: Adapter, nest: INestApplication): Promise<void> {
  if (adapter.name === 'fastify') {
    const fastify = nest as NestFastifyApplication;
    await fastify.register(fastifyCookie as never);
    await fastify.register(fastifySession as never, { secret: SECRET, cookie: { secure: false } } as never);
  } else nest.use(session({ secret: SECRET, resave: false, saveUninitialized: false }));
}

forEachAdapter((adapter) => {
  describe('behind a guard that checks JSON Web Tokens', () => {
    const jwt = new JwtService({ secret: SECRET });
    const bearer = (sub: string, expiresIn: number) => ({
      Authorization: `Bearer ${jwt.sign({ sub }, { expiresIn })}`,
    });

    test('each caller reads its own notifications only', async () => {
      const app = await startApp(adapter, { imports: [withJwt] });
      await publish(app, 'user.ann', 1, 1);
      await publish(app, 'user.bob', 1, 2);
      expect((await poll(app, 'cursor=earliest')).status).toBe(401);
      expect((await poll(app, 'cursor=earliest', { Authorization: 'Bearer x' })).status).toBe(401);
      expect(numbers((await poll(app, 'cursor=earliest', bearer('ann', 60))).json.notifications)).toEqual([1]);
      expect(numbers((await poll(app, 'cursor=earliest', bearer('bob', 60))).json.notifications)).toEqual([2]);
      expect((await poll(app, 'topic=user.bob&cursor=earliest', bearer('ann', 60))).status).toBe(403);
    });

    test('a poll ends when the token does, and the next one is refused', async () => {
      const clock = new ManualClock({ startMs: Date.now() });
      const timed = NotificationsModule.forRoot({ imports: JWT_IMPORTS, ...JWT_OPTIONS, clock });
      const app = await startApp(adapter, { imports: [timed] });
      const headers = bearer('ann', 10);
      const held = await holdPoll(app, '', headers);
      time.now = () => clock.now();
      atTestEnd(() => {
        time.now = () => Date.now();
      });
      await clock.advance(11_000);
      const { status, json } = await held.response();
      expect([status, json.notifications]).toEqual([200, []]);
      expect((await poll(app, '', headers)).status).toBe(401);
    });
  });

  describe('behind a session', () => {
    async function start(): Promise<{ app: TestApp; cookies: Record<'ann' | 'bob', string> }> {
      const app = await startApp(adapter, {
        imports: [withSession],
        controllers: [LoginController],
        configure: (nest) => configureSession(adapter, nest),
        nest: WITH_FETCH,
      });
      const login = async (who: string): Promise<string> => {
        const { status, header } = await loginOf(app, who);
        expect(status).toBe(201);
        return header.split(';')[0]!;
      };
      const cookies = { ann: await login('ann'), bob: await login('bob') };
      await publish(app, 'user.ann', 1, 1);
      await publish(app, 'user.bob', 1, 2);
      return { app, cookies };
    }

    test('each caller reads its own notifications only', async () => {
      const { app, cookies } = await start();
      expect((await poll(app, 'cursor=earliest')).status).toBe(401);
      for (const [cookie, n] of [
        [cookies.ann, 1],
        [cookies.bob, 2],
      ] as const) {
        const { json } = await poll(app, 'cursor=earliest', { Cookie: cookie });
        expect(numbers(json.notifications)).toEqual([n]);
      }
      expect((await poll(app, 'topic=user.bob', { Cookie: cookies.ann })).status).toBe(403);
    });

    test('an EventSource with its cookie reads them too', async () => {
      const { app, cookies } = await start();
      const heard: number[] = [];
      const source = new EventSource(`http://127.0.0.1:${app.port}/notifications?cursor=earliest`, {
        fetch: (url, init) => fetch(url, { ...init, headers: { ...init.headers, Cookie: cookies.ann } }),
      });
      atTestEnd(() => {
        source.close();
      });
      source.onmessage = ({ data }) => heard.push((JSON.parse(data as string) as { data: { n: number } }).data.n);
      await until(() => heard.length === 1);
      await publish(app, 'user.bob', 1, 3);
      await publish(app, 'user.ann', 1, 4);
      await until(() => heard.length === 2);
      expect(heard).toEqual([1, 4]);
    });

    const nginx = PROXIES.find(({ name, program }) => name === 'nginx' && program !== undefined);
    (nginx ? test : test.skip)('a caching proxy gives no caller an answer of another, and no error', async () => {
      const { app, cookies } = await start();
      const caching = {
        ...nginx!,
        // The proxy caches every response that its headers allow, and ignores cookies.
        config: (ports: { listen: number; upstream: number }) =>
          nginx!
            .config(ports)
            .replace('http {', 'http {\n  proxy_cache_path cache keys_zone=all:1m;')
            .replace('location / {', 'location / {\n      proxy_cache all;\n      proxy_cache_valid any 1h;'),
      };
      const front = await startProxy(caching, app);
      const path = 'cursor=earliest&wait=0';
      expect((await poll(front, path)).status).toBe(401);
      for (let round = 0; round < 2; round++) {
        expect(await read(front, path, cookies.ann)).toEqual([1]);
        expect(await read(front, path, cookies.bob)).toEqual([2]);
      }
      expect((await poll(front, path)).status).toBe(401);
      expect((await poll(front, 'topic=user.bob&wait=0', { Cookie: cookies.ann })).status).toBe(403);
      expect((await poll(front, 'topic=user.bob&wait=0', { Cookie: cookies.bob })).status).toBe(200);
    });
  });
}, ADAPTERS);

async function read(target: Target, query: string, cookie: string): Promise<number[]> {
  const { json } = await poll(target, query, { Cookie: cookie });
  return numbers(json.notifications);
}

async function loginOf(target: Target, who: string): Promise<{ status: number; header: string }> {
  const answer = await request(target, { method: 'POST', path: `/login/${who}` });
  return { status: answer.status, header: answer.header('set-cookie') ?? '' };
}
