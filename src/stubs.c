#include "postgres.h"
#include "runner.h"
#include "script.h"
#include "journal.h"
#pragma GCC diagnostic ignored "-Wmissing-prototypes"
__attribute__((weak)) void cmig_runner_init(void) {}
__attribute__((weak)) void cmig_runner_check(const CmigRunStep *step) {}
__attribute__((weak)) void cmig_runner_run(const CmigRunStep *step) {}
__attribute__((weak)) const char *cmig_runner_current(void) { return NULL; }
__attribute__((weak)) char *cmig_script_checksum(const char *s, bool t) { return pstrdup("x"); }
__attribute__((weak)) char *cmig_script_strip_outer_transaction(const char *s) { return (char *) s; }
__attribute__((weak)) void cmig_journal_write(const CmigJournalEntry *e) {}
__attribute__((weak)) char *cmig_journal_checksum(const char *r) { return NULL; }
/* temporary: remove these (and this file) when the real functions land */
#include "fmgr.h"
PG_FUNCTION_INFO_V1(cmig_load);
PG_FUNCTION_INFO_V1(cmig_load_directory);
Datum cmig_load(PG_FUNCTION_ARGS) { PG_RETURN_NULL(); }
Datum cmig_load_directory(PG_FUNCTION_ARGS) { PG_RETURN_NULL(); }
