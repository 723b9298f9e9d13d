import { describe, expect, it } from '@jest/globals';
import { readFileSync } from 'node:fs';
import { packageVersions, releaseProblems } from '../scripts/release.mjs';

const ready = {
  tag: 'v1.2.3',
  versions: { main: '1.2.3', client: '1.2.3' },
  changelog: '# Changelog\n\n## 1.2.3\n\n- A change.\n\n## 1.2.2\n',
  changesets: [],
};

describe('the check before a release', () => {
  it('passes if the versions and the changelog are those of the tag', () => {
    expect(releaseProblems(ready)).toEqual([]);
  });

  it('fails if a package has another version', () => {
    const versions = { ...ready.versions, client: '1.2.2' };
    expect(releaseProblems({ ...ready, versions })).toEqual(['client has version 1.2.2, the tag is v1.2.3']);
  });

  it('fails if the changelog does not have the version, or calls it unreleased', () => {
    const problem = ['CHANGELOG.md has no heading "## 1.2.3"'];
    expect(releaseProblems({ ...ready, changelog: '# Changelog\n\n## 1.2.3, unreleased\n' })).toEqual(problem);
    expect(releaseProblems({ ...ready, changelog: '# Changelog\n\n## 1.2.30\n' })).toEqual(problem);
  });

  it('fails if a change is in no version', () => {
    expect(releaseProblems({ ...ready, changesets: ['brave-cats.md'] })).toEqual([
      '.changeset/brave-cats.md is in no version: run the step "version"',
    ]);
  });

  it.each(['1.2.3', 'v1.2', 'v1.2.3; rm', 'main'])('rejects the tag %s', (tag) => {
    expect(releaseProblems({ ...ready, tag })).toContain(`the tag ${tag} must be a version, such as v1.2.3`);
  });
});

describe('the packages', () => {
  it('have the same version', () => {
    const versions = packageVersions();
    expect(Object.keys(versions)).toEqual(['nest-notifications', 'nest-notifications-client']);
    expect(new Set(Object.values(versions)).size).toBe(1);
  });

  it.each(['package.json', 'packages/client/package.json'])('name the project in %s', (path) => {
    const manifest = JSON.parse(readFileSync(new URL(`../${path}`, import.meta.url), 'utf8'));
    const url = 'https://github.com/nest-notifications/nest-notifications';
    expect(manifest).toMatchObject({
      homepage: `${url}#readme`,
      bugs: { url: `${url}/issues` },
      repository: { type: 'git', url: `git+${url}.git` },
    });
  });
});
