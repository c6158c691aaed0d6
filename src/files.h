/*
 * files.h
 *	  Revision files out of the catalog, and single revisions: the functions
 *	  cmig.draft, cmig.export, cmig.repair and cmig.remove_revision.
 *
 * They are called from SQL alone.
 */
#ifndef CMIG_FILES_H
#define CMIG_FILES_H

#include "postgres.h"
#include "fmgr.h"

extern Datum cmig_draft(PG_FUNCTION_ARGS);
extern Datum cmig_export(PG_FUNCTION_ARGS);
extern Datum cmig_export_array(PG_FUNCTION_ARGS);
extern Datum cmig_repair(PG_FUNCTION_ARGS);
extern Datum cmig_remove_revision(PG_FUNCTION_ARGS);

#endif							/* CMIG_FILES_H */
