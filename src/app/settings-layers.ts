import { environmentSettings } from '../config/sources.ts';
import { resolveSettings } from '../config/resolve.ts';
import type { Settings, SettingsInput } from '../config/settings/index.ts';
import { ImproperlyConfigured } from '../errors.ts';

type Layer = SettingsInput | (() => SettingsInput);

/**
 * What an app was told, weakest first: defaults, configuration objects, the constructor (as in Celery), `configure`, the environment. Resolved when first
 * asked for, and again after a change; `version` tells those who keep something made of the settings.
 */
export class SettingsLayers {
  readonly #defaults: Layer[] = [];
  readonly #given: SettingsInput;
  readonly #objects: SettingsInput[] = [];
  readonly #changes: SettingsInput[] = [];
  /** Over the environment too: whoever tests must not reach the servers of whoever runs the tests. */
  readonly #overrides: SettingsInput[] = [];
  #resolved: Readonly<Settings> | undefined;
  #loading: Promise<void> | undefined;
  #failure: unknown;
  version = 0;

  constructor(given: SettingsInput) {
    this.#given = given;
  }

  get current(): Readonly<Settings> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#resolved !== undefined) return this.#resolved;
    if (this.#loading !== undefined) {
      throw new ImproperlyConfigured('the configuration module is still being loaded: await app.ready() before you read settings');
    }
    const defaults = this.#defaults.map((layer) => (typeof layer === 'function' ? layer() : layer));
    this.#resolved = resolveSettings([...defaults, ...this.#objects, this.#given, ...this.#changes, environmentSettings(), ...this.#overrides]);
    return this.#resolved;
  }

  /** Undefined when nothing is being loaded. */
  get loading(): Promise<void> | undefined {
    return this.#loading;
  }

  addDefaults(layer: Layer): void {
    this.#defaults.push(layer);
    this.#changed();
  }

  addObject(layer: SettingsInput): void {
    this.#objects.push(layer);
    this.#changed();
  }

  change(layer: SettingsInput): void {
    this.#changes.push(layer);
    this.#changed();
  }

  /** Stronger than all else, until the function that is returned is called. */
  override(layer: SettingsInput): () => void {
    this.#overrides.push(layer);
    this.#changed();
    return () => {
      this.#overrides.splice(this.#overrides.indexOf(layer), 1);
      this.#changed();
    };
  }

  /** A configuration object that must be loaded first. A failure is thrown to whoever needs settings. */
  load(object: Promise<SettingsInput>): void {
    const place = this.#objects.push({}) - 1;
    const before = this.#loading;
    const loading = Promise.all([object, before])
      .then(([layer]) => {
        this.#objects[place] = layer;
      })
      .catch((error: unknown) => {
        this.#failure ??= error;
      })
      .then(() => {
        if (this.#loading === loading) this.#loading = undefined;
        this.#changed();
      });
    this.#loading = loading;
    this.#changed();
  }

  #changed(): void {
    this.#resolved = undefined;
    this.version += 1;
  }
}
