/*
 * settings.c
 *	  The settings that belong to no room of their own.
 */
#include "postgres.h"

#include "compat.h"
#include "settings.h"

#include "utils/guc.h"

int			cmig_settings_protect = CMIG_PROTECT_OFF;
int			cmig_settings_checksum_policy = CMIG_CHECKSUM_ERROR;

static const struct config_enum_entry protect_options[] = {
	{"off", CMIG_PROTECT_OFF, false},
	{"base", CMIG_PROTECT_BASE, false},
	{"on", CMIG_PROTECT_ON, false},
	{"false", CMIG_PROTECT_OFF, true},
	{"true", CMIG_PROTECT_ON, true},
	{NULL, 0, false}
};

static const struct config_enum_entry checksum_options[] = {
	{"error", CMIG_CHECKSUM_ERROR, false},
	{"warn", CMIG_CHECKSUM_WARN, false},
	{"ignore", CMIG_CHECKSUM_IGNORE, false},
	{NULL, 0, false}
};

void
cmig_settings_init(void)
{
	/*
	 * cmig.protect: a belt against mistakes, not a right.  ALTER DATABASE sets
	 * it where data matters; SET LOCAL takes it off for one transaction.
	 */
	DefineCustomEnumVariable("cmig.protect",
							 "Refuses what would destroy data: off, base (reset, downgrade to base, purge, prune), on (these and every downgrade).",
							 NULL, &cmig_settings_protect, CMIG_PROTECT_OFF,
							 protect_options, PGC_USERSET, 0, NULL, NULL, NULL);

	/*
	 * cmig.checksum_policy: what cmig.load does when the text of an applied
	 * revision differs from the text that was run.
	 */
	DefineCustomEnumVariable("cmig.checksum_policy",
							 "What happens when the text of an applied revision changed: error, warn or ignore.",
							 NULL, &cmig_settings_checksum_policy, CMIG_CHECKSUM_ERROR,
							 checksum_options, PGC_USERSET, 0, NULL, NULL, NULL);
}
