// The real servers that tests use: how to install, start, wait for and stop each, and what tests are told about it.
// Those with a `script` have the four verbs of scripts/servers/NAME.sh; `ports` is how many consecutive ports they take.
export const servers = {
  redis: {
    script: 'redis.sh',
    ports: 2,
    needs: 'redis-server',
    apt: 'redis-server',
    tls: true,
    env: ({ port, data }) => ({
      CELERIAC_TEST_REDIS: `redis://127.0.0.1:${port}`,
      CELERIAC_TEST_REDIS_TLS: `rediss://localhost:${port + 1}`,
      CELERIAC_TEST_REDIS_CA: `${data}/tls/ca.pem`,
    }),
  },
  sentinel: {
    script: 'redis-sentinel.sh',
    ports: 5,
    needs: 'redis-sentinel',
    apt: 'redis-sentinel',
    env: ({ port }) => ({ CELERIAC_TEST_SENTINEL: `sentinel://127.0.0.1:${port + 2};sentinel://127.0.0.1:${port + 3};sentinel://127.0.0.1:${port + 4}` }),
  },
  rabbitmq: {
    script: 'rabbitmq.sh',
    ports: 5,
    needs: 'rabbitmqctl',
    apt: 'rabbitmq-server',
    tls: true,
    env: ({ port, data }) => ({
      CELERIAC_TEST_AMQP: `amqp://guest:guest@127.0.0.1:${port}`,
      CELERIAC_TEST_AMQP_MANAGEMENT: `http://guest:guest@127.0.0.1:${port + 1}`,
      CELERIAC_TEST_AMQPS: `amqps://guest:guest@localhost:${port + 2}`,
      CELERIAC_TEST_AMQP_CA: `${data}/tls/ca.pem`,
    }),
  },
};

/** Real Celery for the other side: a virtual environment with pinned packages. */
export const pythons = {
  'celery-5.7.0': {
    packages: ['celery[redis]==5.7.0', 'kombu==5.7.0', 'msgpack', 'pyyaml', 'backports.zstd', 'brotli'],
    variable: 'CELERIAC_TEST_PYTHON',
    nightly: false,
  },
  'celery-5.6.3': {
    packages: ['celery[redis]==5.6.3', 'kombu==5.6.2', 'msgpack', 'pyyaml', 'zstandard', 'brotli'],
    variable: 'CELERIAC_TEST_PYTHON_OLD',
    nightly: true,
  },
};
