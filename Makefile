# pg_cmig: schema migrations inside PostgreSQL
#
# Copyright (c) 2026, the pg_cmig developers

MODULE_big = pg_cmig
EXTENSION = pg_cmig
PGFILEDESC = "pg_cmig - schema migrations inside the database"

vpath_dir = $(dir $(firstword $(MAKEFILE_LIST)))
DATA = $(sort $(notdir $(wildcard $(vpath_dir)pg_cmig--*.sql)))
SOURCES = $(sort $(wildcard $(vpath_dir)src/*/*.c))
OBJS = pg_cmig.o $(patsubst $(vpath_dir)%.c,%.o,$(SOURCES))

# the command line, into the folder of psql; its parts, into share/cmig next to that
SCRIPTS = $(patsubst $(vpath_dir)%,%,$(wildcard $(vpath_dir)bin/*))
SCRIPT_PARTS = $(wildcard $(vpath_dir)share/cmig/*.bash)

PG_CPPFLAGS = -I$(vpath_dir)src
# warnings of a newer compiler do not prevent the build of a release
PG_CFLAGS = -Wall -Wextra $(if $(wildcard $(vpath_dir).git),-Werror) -Wno-unused-parameter -Wno-sign-compare -Wno-missing-field-initializers

# SKIP_TESTS: for machines on which a test cannot pass, such as one that compares times
REGRESS = $(filter-out $(SKIP_TESTS),$(sort $(basename $(notdir $(wildcard $(vpath_dir)sql/*.sql)))))
REGRESS_OPTS = --inputdir=$(vpath_dir). --encoding=UTF8
ISOLATION = $(sort $(basename $(notdir $(wildcard $(vpath_dir)specs/*.spec))))
ISOLATION_OPTS = --inputdir=$(vpath_dir).
TAP_TESTS = 1

EXTRA_CLEAN = log results tmp_check output_iso

# calls between modules need no dynamic linker
SHLIB_LINK += $(if $(filter linux,$(PORTNAME)),-Wl$(comma)-Bsymbolic)
comma = ,

PG_CONFIG ?= pg_config
PGXS := $(shell $(PG_CONFIG) --pgxs)
include $(PGXS)

$(OBJS): $(wildcard $(vpath_dir)src/*/*.h)

# a VPATH build starts in an empty folder
object_dirs = $(sort $(patsubst %/,$(CURDIR)/%,$(dir $(filter src/%,$(OBJS)))))
$(OBJS) $(OBJS:.o=.bc): | $(object_dirs)
$(object_dirs):
	$(MKDIR_P) $@

script_part_dir = $(DESTDIR)$(dir $(bindir))share/cmig
.PHONY: install-script-parts uninstall-scripts
install: install-script-parts
install-script-parts:
	$(MKDIR_P) '$(script_part_dir)'
	$(INSTALL_DATA) $(SCRIPT_PARTS) '$(script_part_dir)/'

# PGXS looks for SCRIPTS where the checkout has them
uninstall: uninstall-scripts
uninstall-scripts:
	rm -f $(addprefix '$(DESTDIR)$(bindir)'/, $(notdir $(SCRIPTS)))
	rm -rf '$(script_part_dir)'

.PHONY: check-layers dist soak
check-layers: all
	$(vpath_dir)scripts/check-layers $(vpath_dir) $(shlib)

# the sources of HEAD as a release archive, in the form that PGXN takes
DIST_VERSION = $(shell sed -n 's/^   "version": "\(.*\)",$$/\1/p' $(vpath_dir)META.json)
DIST_DIR ?= .
DIST_FILE = $(DIST_DIR)/pg_cmig-$(DIST_VERSION).zip
dist:
	git -C $(or $(vpath_dir),.) archive --format=zip --prefix=pg_cmig-$(DIST_VERSION)/ HEAD >$(DIST_FILE) || { rm -f $(DIST_FILE); exit 1; }

# what takes longer than scripts/check
soak:
	$(vpath_dir)scripts/soak
