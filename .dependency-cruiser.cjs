// The floor plan (docs/architecture.md), checked. Imports run downward; types alone may come from above in three named places.
const floors = [
  ['kernel'],
  ['protocol', 'serialization', 'config', 'errors.ts', 'signals.ts', 'clients'],
  ['transports', 'backends'],
  ['messaging'],
  ['canvas', 'results'],
  ['execution'],
  ['app'],
  ['events', 'control', 'beat', 'pools'],
  ['worker'],
  ['cli', 'testing', 'index.ts'],
];
const pattern = (rooms) => `^src/(${rooms.map((room) => (room.endsWith('.ts') ? room.replace('.', '\\.') + '$' : room + '/')).join('|')})`;
const above = (floor) => floors.slice(floor + 1).flat();
const sidewaysAllowed = {
  canvas: ['results'],
  protocol: ['errors.ts'],
  serialization: ['errors.ts', 'protocol'],
  config: ['errors.ts', 'serialization', 'protocol'],
  'signals.ts': ['errors.ts', 'protocol'],
  clients: ['errors.ts'],
};
const typesFromAbove = '^src/(signals\\.ts$|config/settings/|index\\.ts$)';

const upward = floors.flatMap((rooms, floor) =>
  above(floor).length === 0
    ? []
    : [
        {
          name: `floor-${floor}-imports-downward`,
          comment: 'A room may import from the floors below it only (docs/architecture.md).',
          severity: 'error',
          from: { path: pattern(rooms), pathNot: `${typesFromAbove}|\\.test\\.ts$` },
          to: { path: pattern(above(floor)), ...(floor === 0 ? { pathNot: '^src/errors\\.ts$' } : {}) },
        },
      ],
);
const sideways = floors.flatMap((rooms, floor) =>
  rooms
    .filter((room) => floor !== 2 && floor !== 9)
    .map((room) => ({
      name: `${room}-keeps-to-itself`,
      comment: 'Rooms of one floor do not know each other, but where .dependency-cruiser.cjs lists it.',
      severity: 'error',
      from: { path: pattern([room]), pathNot: `${typesFromAbove}|\\.test\\.ts$` },
      to: { path: pattern(rooms.filter((other) => other !== room && !(sidewaysAllowed[room] ?? []).includes(other)).concat('no-such-room')) },
    })),
);

module.exports = {
  forbidden: [
    ...upward,
    ...sideways,
    {
      name: 'types-only-from-above',
      severity: 'error',
      from: { path: typesFromAbove, pathNot: '^src/index\\.ts$' },
      to: { path: pattern(above(1)), dependencyTypesNot: ['type-only'] },
    },
    { name: 'no-circles', severity: 'error', from: { pathNot: '\\.test\\.ts$' }, to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } } },
    {
      name: 'drivers-are-strangers',
      comment: 'A driver knows its contract, the floors below and virtual/; never another driver.',
      severity: 'error',
      from: { path: '^src/(transports|backends)/([^/]+)/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/(transports|backends)/[^/]+/', pathNot: ['^src/$1/$2/', '^src/transports/virtual/'] },
    },
    {
      name: 'drivers-through-their-registry',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(transports|backends)/', '\\.test\\.ts$'] },
      to: { path: '^src/(transports|backends)/(?!virtual/)[^/]+/' },
    },
    {
      name: 'guests-through-clients',
      comment: 'Third-party code enters through clients/, codecs in serialization/, and commander in cli/.',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/(clients|serialization|cli)/', '^src/app/autoload\\.ts$', '^src/protocol/', '\\.test\\.ts$'] },
      to: { dependencyTypes: ['npm', 'npm-optional', 'npm-peer', 'npm-dev'] },
    },
    {
      name: 'no-dev-packages',
      severity: 'error',
      from: { path: '^src/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['npm-peer', 'npm', 'npm-optional'] },
    },
  ],
  options: {
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    doNotFollow: { path: 'node_modules' },
    enhancedResolveOptions: { exportsFields: ['exports'], conditionNames: ['import', 'node', 'types', 'default'], extensions: ['.ts', '.js'] },
  },
};
