/*
 * settings.h
 *	  The settings that belong to no room of their own.
 *
 * Each is described in doc/reference.md; the runner registers the settings
 * that scripts run with.
 */
#ifndef CMIG_SETTINGS_H
#define CMIG_SETTINGS_H

#include "postgres.h"

typedef enum CmigProtect
{
	CMIG_PROTECT_OFF,
	CMIG_PROTECT_BASE,
	CMIG_PROTECT_ON
} CmigProtect;

typedef enum CmigChecksumPolicy
{
	CMIG_CHECKSUM_ERROR,
	CMIG_CHECKSUM_WARN,
	CMIG_CHECKSUM_IGNORE
} CmigChecksumPolicy;

extern int	cmig_settings_protect;	/* a CmigProtect */
extern int	cmig_settings_checksum_policy;	/* a CmigChecksumPolicy */

extern void cmig_settings_init(void);

#endif							/* CMIG_SETTINGS_H */
