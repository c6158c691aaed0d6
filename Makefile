# pg_cmig: schema migrations inside PostgreSQL
#
# Copyright (c) 2026, the pg_cmig developers

MODULE_big = pg_cmig
EXTENSION = pg_cmig
PGFILEDESC = "pg_cmig - schema migrations inside the database"

vpath_dir = $(dir $(firstword $(MAKEFILE_LIST)))
DATA = $(filter-out $(DATA_built), $(sort $(notdir $(wildcard $(vpath_dir)pg_cmig--*.sql))))
DATA_built = $(patsubst %.in,%.sql,$(notdir $(wildcard $(vpath_dir)pg_cmig--*.in)))
SOURCES = $(sort $(wildcard $(vpath_dir)src/*/*.c))

# the library for applications' sessions: what is only there, and what is in both
MODULES = pg_cmig_session
SESSION_ONLY = $(addprefix src/, audit/trigger.o rls/context.o versions/origin.o \
	versions/transform.o versions/write.o)
SESSION_SHARED = $(addprefix src/, $(addprefix base/, argument.o citus.o hint.o library.o plain.o query.o role.o subtransaction.o text.o) \
	parse/lexer.o parse/raw.o $(addprefix audit/, layout.o log.o options.o row.o) versions/compile.o)
SESSION_OBJS = pg_cmig_session.o $(SESSION_ONLY) $(SESSION_SHARED)
OBJS = pg_cmig.o $(filter-out $(SESSION_ONLY), $(patsubst $(vpath_dir)%.c,%.o,$(SOURCES)))

# the command line, into the folder of psql; its parts, the manual pages, and the
# completion, into share next to that
SCRIPTS = $(patsubst $(vpath_dir)%,%,$(wildcard $(vpath_dir)bin/*))
SCRIPT_PARTS = $(wildcard $(vpath_dir)share/cmig/*.bash $(vpath_dir)share/cmig/*.py $(vpath_dir)share/cmig/*.sql)
CI_PARTS = $(wildcard $(vpath_dir)share/ci/*.yml)
PYTHON_PARTS = $(wildcard $(vpath_dir)share/cmig/import_alembic/*.py)

PG_CPPFLAGS = -I$(vpath_dir)src -Isrc
# warnings of a newer compiler do not prevent the build of a release
PG_CFLAGS = -Wall -Wextra $(if $(wildcard $(vpath_dir).git),-Werror) -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

# SKIP_TESTS: for machines on which a test cannot pass, such as one that compares times
REGRESS = $(filter-out $(SKIP_TESTS),$(sort $(basename $(notdir $(wildcard $(vpath_dir)sql/*.sql)))))
REGRESS_OPTS = --inputdir=$(vpath_dir). --encoding=UTF8
ISOLATION = $(sort $(basename $(notdir $(wildcard $(vpath_dir)specs/*.spec))))
ISOLATION_OPTS = --inputdir=$(vpath_dir).
TAP_TESTS = 1

# lets pg_regress tests examine a shadow; it is not installed
SHADOW = t/data/shadow/shadow

# what the scripts of cmig.script contain; cmig itself runs some of it, too
SHAPE = src/move/engine_lock.inc src/move/engine_shape.inc src/move/engine_look.inc \
	src/move/engine_added.inc src/move/engine_holder.inc

EXTRA_CLEAN = $(SHAPE) log results tmp_check output_iso $(SESSION_ONLY) $(SHADOW).o $(SHADOW)$(DLSUFFIX)

# Calls between modules need no dynamic linker, and must not reach the other library.
SHLIB_LINK += $(if $(filter linux freebsd netbsd openbsd,$(PORTNAME)),-Wl$(comma)-Bsymbolic)
comma = ,

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS) $(SESSION_OBJS) $(SHADOW).o: $(wildcard $(vpath_dir)src/*/*.h)

# PGXS links a module from one object only; what it installs and removes is right
pg_cmig_session$(DLSUFFIX): $(SESSION_OBJS)
	$(LINK.shared) -o $@ $(SESSION_OBJS) $(LDFLAGS) $(LDFLAGS_SL) $(SHLIB_LINK)

installcheck: $(SHADOW)$(DLSUFFIX)
$(SHADOW)$(DLSUFFIX): $(SHADOW).o
	$(LINK.shared) -o $@ $(SHADOW).o $(LDFLAGS) $(LDFLAGS_SL) $(SHLIB_LINK)

# what an update creates is in the script that creates all objects
$(DATA_built): %.sql: %.in pg_cmig--1.2.sql scripts/update-script
	awk -f $(vpath_dir)scripts/update-script $(vpath_dir)pg_cmig--1.2.sql $< >$@.tmp
	mv $@.tmp $@

# a VPATH build starts in an empty folder
object_dirs = $(sort $(patsubst %/,$(CURDIR)/%,$(dir $(filter-out pg_cmig%,$(OBJS) $(SESSION_OBJS) $(SHADOW).o))))
$(OBJS) $(OBJS:.o=.bc) $(SESSION_OBJS) $(SHADOW).o: | $(object_dirs)
$(object_dirs):
	$(MKDIR_P) $@

$(foreach module,table added engine,src/move/psql_$(module).o src/move/psql_$(module).bc): $(SHAPE)
$(SHAPE): src/move/%.inc: share/cmig/%.sql | $(object_dirs)
	sed -e '/^--/d' -e 's|^[[:blank:]]*cmig_holder$$|#include "move/engine_holder.inc"|' -e t -e 's/[\\"]/\\&/g' -e 's/.*/"\\t&\\n"/' $< >$@.tmp
	mv $@.tmp $@

script_top = $(dir $(bindir))
script_share = $(DESTDIR)$(script_top)share
script_files = $(addprefix bin/, $(notdir $(SCRIPTS))) share/man/man1/cmig.1 share/man/man1/cmig-import-alembic.1 share/bash-completion/completions/cmig
# where the shell and man look for the links that make install-links creates
LINKS ?= /usr/local

# The message is the last line: what PGXS's rule runs after it is not shown.
.SILENT: install
.PHONY: install-script-parts install-links uninstall-scripts
install: install-script-parts
install-script-parts: all installdirs install-lib
	$(MKDIR_P) $(addprefix '$(script_share)'/, cmig/import_alembic cmig/ci man/man1 bash-completion/completions)
	$(INSTALL_DATA) $(SCRIPT_PARTS) '$(script_share)/cmig/'
	$(INSTALL_DATA) $(CI_PARTS) '$(script_share)/cmig/ci/'
	$(INSTALL_DATA) $(PYTHON_PARTS) '$(script_share)/cmig/import_alembic/'
	bash $(vpath_dir)bin/cmig manual >'$(script_share)/man/man1/cmig.1'
	echo .so man1/cmig.1 >'$(script_share)/man/man1/cmig-import-alembic.1'
	bash $(vpath_dir)bin/cmig completion >'$(script_share)/bash-completion/completions/cmig'
	chmod 644 '$(script_share)'/man/man1/cmig*.1 '$(script_share)/bash-completion/completions/cmig'
	@test -n '$(DESTDIR)' || command -v cmig >/dev/null || \
		echo "cmig is in $(bindir), which is not in PATH. To link it into $(LINKS): $(and $(SUDO_USER),sudo )make$(if $(filter command,$(origin PG_CONFIG)), PG_CONFIG=$(PG_CONFIG)) install-links"

install-links:
	for file in $(script_files); do \
		test "$(LINKS)/$$file" -ef "$(script_top)$$file" || \
			{ $(MKDIR_P) "$$(dirname "$(LINKS)/$$file")" && ln -sf "$(script_top)$$file" "$(LINKS)/$$file"; } || exit; done

# PGXS looks for SCRIPTS where the checkout has them
uninstall: uninstall-scripts
uninstall-scripts:
	for file in $(script_files); do \
		rm -f "$(DESTDIR)$(script_top)$$file"; \
		test "$(DESTDIR)$$(readlink "$(LINKS)/$$file")" != "$(script_top)$$file" || rm "$(LINKS)/$$file"; done
	rm -rf '$(script_share)/cmig'

.PHONY: check-layers dist soak
check-layers: all
	$(vpath_dir)scripts/check-layers $(vpath_dir) $(shlib) pg_cmig_session$(DLSUFFIX) $(SESSION_OBJS:.o=.c)

# the sources of HEAD as a release archive, in the form that PGXN takes
DIST_VERSION = $(shell sed -n 's/^   "version": "\(.*\)",$$/\1/p' $(vpath_dir)META.json)
DIST_DIR ?= .
DIST_FILE = $(DIST_DIR)/pg_cmig-$(DIST_VERSION).zip
dist:
	git -C $(or $(vpath_dir),.) archive --format=zip --prefix=pg_cmig-$(DIST_VERSION)/ HEAD >$(DIST_FILE) || { rm -f $(DIST_FILE); exit 1; }

# what takes longer than scripts/check
soak:
	$(vpath_dir)scripts/soak
