# The gateway and the operator, in one image. docs/install.md tells how it is run.

FROM node:24-trixie-slim AS build
WORKDIR /app
RUN apt-get update && apt-get install -y --no-install-recommends g++ make python3
# sqlite3 is compiled, against the headers of this very Node, instead of taking somebody's binary. The lock file may lack
# packages of other platforms, for which `npm ci` would refuse it.
ENV npm_config_build_from_source=true npm_config_nodedir=/usr/local
COPY package.json package-lock.json .npmrc ./
RUN npm install --no-save --include=dev --ignore-scripts --loglevel=error && npm rebuild sqlite3
COPY tsconfig.json tsconfig.build.json ./
COPY bin bin
COPY proxy proxy
COPY operator operator
RUN npx tsc -p tsconfig.build.json && chmod 755 dist/bin/*
# What only compilers read goes, too.
RUN npm prune --omit=dev --omit=optional --loglevel=error \
 && rm -rf node_modules/@types node_modules/sqlite3/deps node_modules/sqlite3/src node_modules/sqlite3/build/Release/obj* \
 && find node_modules -type f \( -name '*.ts' -o -name '*.[cm]ts' -o -name '*.map' -o -name '*.md' -o -name '*.a' \) -delete \
 && find node_modules -type d -empty -delete

FROM node:24-trixie-slim
ARG PG_MAJOR=17
# Both the client, for backups, and the server, for looking into them. Taken out again, in the same layer: what serves only
# the JIT, and the Perl of Debian's wrappers (PATH has the programs themselves), together 200 MB; the private key that
# ssl-cert makes, which would be the same in every container; npm, which nothing here needs.
RUN apt-get update \
 && apt-get install -y --no-install-recommends postgresql-common \
 && echo 'create_main_cluster = false' >> /etc/postgresql-common/createcluster.conf \
 && apt-get install -y --no-install-recommends ca-certificates "postgresql-$PG_MAJOR" \
 && apt-get clean \
 && rm -rf /var/lib/apt/lists/* /var/log/*.log /var/log/apt \
      /usr/lib/*/libLLVM* /usr/lib/*/libz3.so* /usr/lib/postgresql/$PG_MAJOR/lib/llvmjit* /usr/lib/postgresql/$PG_MAJOR/lib/bitcode \
      /usr/lib/*/perl /usr/lib/*/libperl.so* /usr/share/perl /usr/share/i18n \
      /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem \
      /usr/local/lib/node_modules /usr/local/bin/npm /usr/local/bin/npx /usr/local/bin/corepack /usr/local/bin/yarn* /opt/yarn* \
 && groupadd --gid 10001 tollgate \
 && useradd --uid 10001 --gid tollgate --no-create-home --home-dir /data --shell /usr/sbin/nologin tollgate \
 && install -d -m 700 -o tollgate -g tollgate /data
ENV NODE_ENV=production DATA_DIR=/data PATH=/usr/lib/postgresql/$PG_MAJOR/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
WORKDIR /app
COPY package.json LICENSE ./
COPY --from=build /app/node_modules node_modules
COPY --from=build /app/dist ./
RUN for program in bin/*.mjs; do ln -s "/app/$program" "/usr/local/bin/$(basename "$program" .mjs)"; done

ARG VERSION=0.1.0 REVISION=unknown
LABEL org.opencontainers.image.title="Tollgate" \
      org.opencontainers.image.description="An LLM API gateway with its own API keys, limits and an exact ledger, and the operator that runs it." \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION" \
      org.opencontainers.image.base.name="docker.io/library/node:24-trixie-slim"
# By number, so that Kubernetes can see that it is not root.
USER 10001:10001
VOLUME /data
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["tollgate", "health"]
# Node is the first process. It handles the signals, and has no grandchildren that it would have to bury.
ENTRYPOINT ["tollgate"]
CMD ["serve"]
