#include "postgres.h"
#include "runner.h"
#include "script.h"
#include "journal.h"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
/* temporary: remove these (and this file) when the real functions land */
#include "fmgr.h"
PG_FUNCTION_INFO_V1(cmig_load);
PG_FUNCTION_INFO_V1(cmig_load_directory);
Datum cmig_load(PG_FUNCTION_ARGS) { PG_RETURN_NULL(); }
Datum cmig_load_directory(PG_FUNCTION_ARGS) { PG_RETURN_NULL(); }
